/** The setting ISSUERS: who vouches for people, as JSON. Its parse tells where it is wrong and shows no value. */
import { z } from 'zod'

const http = z.url({ protocol: /^https?$/, error: 'must be an http or https url' })

const issuerSchema = z.strictObject({
  /** As it stands in `iss`, letter by letter; its `/.well-known/openid-configuration` is asked for all else. */
  issuer: http,
  /** Whom its tokens are meant for: the id of this application there. */
  audience: z.string().min(1),
  clientSecret: z.string().min(1).optional(),
  label: z.string().min(1).optional(),
  jwks: http.optional(),
  scope: z.string().min(1).default('openid profile'),
  /** The claims that name a being, and give it its id. */
  name: z.string().min(1).default('name'),
  id: z.string().min(1).optional(),
})

export type IssuerSetting = z.output<typeof issuerSchema> & { label: string }

const fault = (input: string): string | undefined => {
  try {
    JSON.parse(input)
    return undefined
  } catch {
    return 'must be JSON: [{"issuer": "https://…", "audience": "…"}]'
  }
}

export const issuersSetting = z
  .string()
  .superRefine((input, context) => {
    const message = fault(input)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
  .transform((input, context): IssuerSetting[] => {
    if (context.issues.length > 0) return []
    const parsed = z.array(issuerSchema).safeParse(JSON.parse(input))
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      context.addIssue({ code: 'custom', message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` })
      return []
    }
    return parsed.data.map((one) => ({ ...one, label: one.label ?? new URL(one.issuer).host }))
  })

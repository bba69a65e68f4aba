/** An address made from a name: lower case, letters, digits and hyphens. Empty where nothing of the name is left. */
export function slugOf(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 62)
    .replace(/-+$/, '')
  return words === '' ? '' : `@${words}`
}

/** A model at an address that speaks as OpenAI does: most providers, and most servers for models of one's own. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModel } from 'ai'

export interface ModelAddress {
  /** As `http://127.0.0.1:11434/v1`. */
  url: string
  name: string
  key?: string | undefined
}

export const modelAt = ({ url, name, key }: ModelAddress): LanguageModel =>
  createOpenAICompatible({ name: 'model', baseURL: url, ...(key === undefined ? {} : { apiKey: key }) })(name)

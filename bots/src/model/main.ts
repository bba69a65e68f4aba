/** A bot that answers with a model at an address, as a process (bot-process.ts). */
import { z } from 'zod'
import { answerWith } from '../answer-with.ts'
import { runBotProcess } from '../bot-process.ts'
import { modelAt } from './openai-compatible.ts'

await runBotProcess({
  component: 'bot',
  settings: {
    MODEL_URL: z.url(),
    MODEL: z.string().min(1),
    MODEL_KEY: z.string().optional(),
    INSTRUCTIONS: z.string().default('You take part in a conversation. Answer the last message, briefly.'),
  },
  answer: ({ MODEL_URL: url, MODEL: name, MODEL_KEY: key, INSTRUCTIONS: instructions }) =>
    answerWith(modelAt({ url, name, key }), { instructions }),
  secretsIn: ({ MODEL_KEY }) => (MODEL_KEY === undefined ? [] : [MODEL_KEY]),
})

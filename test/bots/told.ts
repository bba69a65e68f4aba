/** What the bot of the fault test answers: by the question alone, so that anybody can say what a reply must be. */
export const toldTo = (question: string): string =>
  Array.from({ length: 20 }, (_, n) => `${question} ${n} 😀`).join(', ')

/** Cut as a model would: anywhere, also in the middle of a character. */
export const wordsOf = (text: string): string[] => text.match(/[^]{1,7}/g) ?? []

/** Marks, embeddings, overrides and isolates of writing direction. */
const DIRECTION_CONTROLS = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu

/**
 * A stranger's text without what turns the text around it: for where no element of its own can hold it, as in a tooltip
 * or the title of a window. Letters keep the direction of their script.
 */
export const plain = (text: string): string => text.replaceAll(DIRECTION_CONTROLS, '')

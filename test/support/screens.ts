import type { Paint } from '../../connector/commands/output/screen.ts'

/** A pipe. */
export const plain: Paint = (_colour, text) => text

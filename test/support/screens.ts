import { styleText } from 'node:util'
import type { Screen } from '../../connector/commands/output/screen.ts'

/** A pipe. */
export const plainScreen: Screen = {
  isTerminal: false,
  width: Number.POSITIVE_INFINITY,
  paint: (_colour, text) => text,
}

export const screen = ({ width = 120, isColoured = false } = {}): Screen => ({
  isTerminal: true,
  width,
  paint: (colour, text) => (isColoured ? styleText(colour, text, { validateStream: false }) : text),
})

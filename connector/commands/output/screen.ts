import { styleText } from 'node:util'

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'gray' | 'bold'

/** Where a command writes. */
export interface Screen {
  readonly isTerminal: boolean
  /** Maximum length of a line; unlimited for a file or a pipe, so that a line can be searched for. */
  readonly width: number
  /** The text in this colour, or unchanged without a terminal, with `NO_COLOR` or `TERM=dumb`. */
  paint(colour: Colour, text: string): string
}

const MAX_WIDTH = 120
const MIN_WIDTH = 60

/** `FORCE_COLOR` makes also a pipe coloured. */
export function screenOf(stream: NodeJS.WriteStream): Screen {
  const isTerminal = stream.isTTY === true
  return {
    isTerminal,
    width: isTerminal
      ? Math.max(MIN_WIDTH, Math.min(stream.columns || MAX_WIDTH, MAX_WIDTH))
      : Number.POSITIVE_INFINITY,
    paint: (colour, text) => styleText(colour, text, { stream }),
  }
}

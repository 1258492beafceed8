import { randomInt } from 'node:crypto'
import { styleText } from 'node:util'

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'gray' | 'bold'

/** Where a command writes. */
export interface Screen {
  /** The text in this colour, or unchanged without a terminal, with `NO_COLOR` or `TERM=dumb`. */
  paint(colour: Colour, text: string): string
}

/**
 * Parameters of the colour sequences of this process, which `printable` knows and removes: what a server sends cannot
 * look the same.
 */
const MARK = [1, 2, 3].map(() => `;${randomInt(1_000, 10_000)}`).join('')

/** `FORCE_COLOR` makes also a pipe coloured. Print the text of `paint` by `printable`. */
export function screenOf(stream: NodeJS.WriteStream): Screen {
  return {
    paint: (colour, text) => {
      const [on = '', off = ''] = styleText(colour, '\0', { stream }).split('\0')
      return marked(on) + text + marked(off)
    },
  }
}

const marked = (sequence: string) => sequence.replace(/m$/, `${MARK}m`)

const ownOrControl = new RegExp(`\\u001b\\[(\\d+)${MARK}m|[^\\P{Cc}\\n\\t]|\\p{Cf}`, 'gu')

/** The text as a terminal may show it: only colours of `paint`, line feeds and tabs act on it, nothing of a server. */
export function printable(text: string): string {
  return text.replace(ownOrControl, (found, colour) => (colour === undefined ? escaped(found) : `\u001b[${colour}m`))
}

/** Shows control characters and those that are invisible or turn the direction of a text, as JSON does: `\u001b`. */
export function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => unitAsHex(character.charCodeAt(at))).join(''),
  )
}

const unitAsHex = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`

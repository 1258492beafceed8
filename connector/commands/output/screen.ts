import { styleText } from 'node:util'

export type Colour = 'red' | 'green' | 'yellow' | 'gray' | 'bold'

/** The text in this colour, or unchanged without a terminal, with `NO_COLOR` or `TERM=dumb`. */
export type Paint = (colour: Colour, text: string) => string

/** `FORCE_COLOR` makes also a pipe coloured. */
export const painting =
  (stream: NodeJS.WriteStream): Paint =>
  (colour, text) =>
    styleText(colour, text, { stream })

/** The text as a terminal may show it: of a server, only line feeds and tabs act on it. */
export const printable = (text: string) => text.replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, asUnits)

/** Like `printable`, but on one line. */
export const escaped = (text: string) => text.replace(/[\p{Cc}\p{Cf}]/gu, asUnits)

/** As JSON does: `\u001b`. */
const asUnits = (character: string) =>
  Array.from({ length: character.length }, (_, at) => unitAsHex(character.charCodeAt(at))).join('')

const unitAsHex = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`

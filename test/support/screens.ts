import type { Screen } from '../../connector/commands/output/screen.ts'

/** A pipe. */
export const plainScreen: Screen = {
  paint: (_colour, text) => text,
}

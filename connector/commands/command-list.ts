import type { Command } from './command.ts'
import { lint } from './lint.ts'

/** Every command, in the order of the help. */
export const commandList: readonly Command[] = [lint]

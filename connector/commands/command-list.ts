import { checkpointReset, checkpointSet, checkpointShow } from './checkpoint.ts'
import type { Command } from './command.ts'
import { lint } from './lint.ts'
import { pollOnce } from './poll-once.ts'
import { run } from './run.ts'

/** Every command, in the order of the help. */
export const commandList: readonly Command[] = [run, pollOnce, lint, checkpointShow, checkpointSet, checkpointReset]

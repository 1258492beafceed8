import { spawnSync } from 'node:child_process'

/** Node 22 collects new space also while V8 marks the heap. Node 25 and 26 never do, and have no option for it. */
const whileMarking = process.versions.node.startsWith('24.') ? ['--no-separate-gc-phases'] : []

/**
 * Options of Node for less memory. Node takes them only when it starts. If V8 does not collect new space while it marks
 * the heap, new space grows to three times its size, and the next collection is a full one. With pretenuring, V8
 * allocates lists of a page among its old objects. Until the next full collection they keep that page in memory, and
 * the pages after it.
 */
export const nodeOptions = [
  '--max-semi-space-size=4',
  '--heap-growing-percent=100',
  '--no-parallel-scavenge',
  '--no-allocation-site-pretenuring',
  ...whileMarking,
]

/**
 * Variables of glibc, which keeps freed memory: with one arena, not for each thread, and with fixed thresholds, which
 * it otherwise raises to 32 MB, not that of pages and requests.
 */
export const mallocVariables = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '1048576',
}

/** The parts of `process` that name a command and replace the process. */
type StartingProcess = Pick<NodeJS.Process, 'execPath' | 'execArgv' | 'argv' | 'env'> &
  Partial<Pick<NodeJS.Process, 'execve'>>

/**
 * Starts this process again with the options, unless it has them: it keeps its id, so that signals reach it. Returns
 * the reason why it goes on without them, if there is one: a later Node may not know an option any more.
 */
export function startWithOptions(own: StartingProcess): string | undefined {
  const { execPath, execArgv, argv, env } = own
  if (nodeOptions.every((option) => execArgv.includes(option))) return undefined
  const { status } = spawnSync(execPath, [...nodeOptions, '--version'])
  if (status !== 0) return `this Node does not know all of ${nodeOptions.join(' ')}`
  const args = [execPath, ...nodeOptions, ...execArgv, ...argv.slice(1)]
  own.execve?.(execPath, args, { ...mallocVariables, ...env })
  return 'this Node cannot replace its process'
}

import { type ChildProcess, execFile } from 'node:child_process'
import { promisify } from 'node:util'

const MAX_OUTPUT_BYTES = 1 << 26
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Runs a program to its end; resolves to what it printed. It is killed if this process exits first. */
export async function printedBy(
  command: string,
  ...args: readonly string[]
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const work = promisify(execFile)(command, args, { maxBuffer: MAX_OUTPUT_BYTES })
  running.add(work.child)
  try {
    return await work
  } finally {
    running.delete(work.child)
  }
}

import { spawnSync } from 'node:child_process'

/** A seed that is the same in each run of one commit and another for the next one; 1 outside of a repository. */
export function seedOfCommit(): string {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' })
  return status === 0 ? String(Number.parseInt(stdout.slice(0, 7), 16)) : '1'
}

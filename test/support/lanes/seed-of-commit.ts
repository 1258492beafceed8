import { spawnSync } from 'node:child_process'

/** A seed derived from the commit: the same in every run of it, different in the next one; 1 outside a repository. */
export function seedOfCommit(): string {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' })
  return status === 0 ? String(Number.parseInt(stdout.slice(0, 7), 16)) : '1'
}

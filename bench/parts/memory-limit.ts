import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectorProcess } from '../../test/support/connector-process.ts'
import { startLean } from './lean-connector.ts'

/** Starts built connectors in a control group that limits their memory, as a container does. Linux, as root. */
export interface MemoryLimit {
  start(config: string, environment: Record<string, string>): ConnectorProcess
  /** The most that was in use, with the page cache. */
  peakMegabytes(): number
  /** Once no process is left in it. */
  close(): void
}

/** The files of both versions of control groups. */
const VERSIONS = [
  { folder: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
  { folder: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak' },
]

export function memoryLimit(mebibytes: number): MemoryLimit {
  const version = VERSIONS.find(({ folder }) => existsSync(folder))
  if (version === undefined) throw new Error('no control groups: run this case on Linux')
  const group = join(version.folder, `polaris-bench-${process.pid}-${mebibytes}`)
  mkdirSync(group)
  writeFileSync(join(group, version.limit), String(mebibytes * 1_048_576))
  return {
    start: (config, environment) =>
      startLean({ args: ['run', '--config', config], environment, group: join(group, 'cgroup.procs') }),
    peakMegabytes: () => Number(readFileSync(join(group, version.peak), 'utf8')) / 1e6,
    close: () => rmdirSync(group),
  }
}

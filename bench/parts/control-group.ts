import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A control group that limits the processes in it, as a container does. Linux, as root. */
export interface ControlGroup {
  /** A process that writes its id here joins the group. */
  readonly procs: string
  /** The most memory that was in use, with the page cache. */
  peakMegabytes(): number
  /** Once no process is left in it. */
  close(): void
}

/** The files of both versions of control groups. */
const VERSIONS = {
  memory: [
    { folder: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
    { folder: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak' },
  ],
  cpu: [
    { folder: '/sys/fs/cgroup/cpu', limit: 'cpu.cfs_quota_us', peak: '' },
    { folder: '/sys/fs/cgroup', limit: 'cpu.max', peak: '' },
  ],
} as const

export const memoryLimit = (mebibytes: number): ControlGroup => controlGroup('memory', mebibytes * 1_048_576)

/** Of one core; the kernel counts in periods of 100 ms. */
export const cpuLimit = (percent: number): ControlGroup => controlGroup('cpu', percent * 1_000)

let groups = 0

function controlGroup(of: keyof typeof VERSIONS, most: number): ControlGroup {
  const version = VERSIONS[of].find(({ folder }) => existsSync(folder))
  if (version === undefined) throw new Error('no control groups: run this case on Linux')
  const group = join(version.folder, `polaris-bench-${process.pid}-${++groups}`)
  mkdirSync(group)
  writeFileSync(join(group, version.limit), String(most))
  return {
    procs: join(group, 'cgroup.procs'),
    peakMegabytes: () => Number(readFileSync(join(group, version.peak), 'utf8')) / 1e6,
    close: () => rmdirSync(group),
  }
}

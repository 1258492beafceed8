import { readFileSync } from 'node:fs'
import { podman } from './containers.ts'

/** The first process of a container, as seen in the host's `/proc`. */
export interface ContainedProcess {
  readonly pid: number
  /** `/proc/PID/status`: `Uid`, `CapEff`, `NoNewPrivs`, `Seccomp`, `VmHWM`, … */
  status(field: string): string
  command(): string
}

export async function containedProcess(container: string): Promise<ContainedProcess> {
  const pid = Number(await podman('inspect', '--format', '{{.State.Pid}}', container))
  const proc = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  return {
    pid,
    status: (field) => new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(proc('status'))?.[1] ?? '',
    command: () => proc('cmdline').split('\0').join(' ').trim(),
  }
}

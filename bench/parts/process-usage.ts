import { readFileSync } from 'node:fs'

/** `USER_HZ`, which is 100 on every Linux. */
const TICKS_PER_SECOND = 100

/** User and system time of a process (Linux), in seconds. */
export function cpuSecondsOf(pid: number | 'self'): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory of a process (Linux) in MB (10^6 bytes): current and peak. */
export function memoryOf(pid: number | 'self'): { readonly megabytes: number; readonly peakMegabytes: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => (Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6
  return { megabytes: field('VmRSS'), peakMegabytes: field('VmHWM') }
}

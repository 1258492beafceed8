import { clientReader, type ReadClient } from '../../event/read-client.ts'
import { scanDone } from '../../scan/end-scan.ts'
import { earlier, type Times } from '../../scan/scan-settings.ts'
import { type Scan, type ScanStates, withScan } from '../../scan/scan-state.ts'
import { type Step, scanStep } from '../../scan/scan-step.ts'
import type { Page } from '../../source/client-source.ts'
import { takeMapping } from './mapped-page.ts'
import type { PageReading } from './page-reading.ts'
import { handOverIfLong, type Reader, recovered, stuck } from './scan-trouble.ts'

/** Undefined: the scan is stuck; it begins again. Throws `source.mapping`. */
export function take(reader: Reader, before: Scan, page: Page): PageReading | undefined {
  const { serverClock, observe } = reader
  const began = serverClock.learn(page)
  const { lane, limit } = before
  const { bytes, tookMs } = page
  observe({ kind: 'page-read', scan: lane, clients: page.clients.length, limit, bytes, tookMs })
  reader.states = created(reader.states, began)
  takeMapping(reader, before, page)
  const { overlapMs } = reader.settings
  const clients = read(reader, before, page)
  const step = scanStep(before, { page, clients, began, overlapMs })
  if (step.kind === 'stuck') return stuck(reader, before, step.why)
  if (step.kind === 'done' || reader.backOff.isProgress(step.scan)) recovered(reader, step.scan)
  advance(reader, step)
  const { states, mapping } = reader
  return { clients, scan: step.scan, states, mapping, isLast: step.kind === 'done', readAt: serverClock.times() }
}

const END_AGAIN_MS = 60_000

function advance(reader: Reader, { kind, scan }: Exclude<Step, { kind: 'stuck' }>): void {
  const { clock, backOff } = reader
  if (kind === 'done') {
    reader.states = scanDone(reader.states, scan)
    if (scan.lane !== 'live') return
    reader.liveScans += 1
    reader.liveSince = undefined
    return
  }
  reader.states = withScan(reader.states, scan)
  if (kind === 'end-in-doubt') backOff.wait(scan, clock.monotonic() + END_AGAIN_MS)
  handOverIfLong(reader, scan)
}

/** At once, so that the records of a page do not wait for those before it. */
function read({ mapping, rules }: Reader, { output }: Scan, { clients }: Page): ReadClient[] {
  const fields = mapping[output]
  return fields === null ? [] : clients.map(clientReader(fields, mapping.lists, rules))
}

/** The stream is as old as its first response. */
function created(states: ScanStates, began: Times): ScanStates {
  if (states.createdAt !== null) return states
  const createdAt = earlier(began)
  const lookBacks = states.lookBacks.map((one) => ({ ...one, startedAt: Math.min(one.startedAt, createdAt) }))
  return { ...states, createdAt, lookBacks }
}

import type { ControlRequest } from '../../control/control-document.ts'
import { counted, isoTime } from './time-text.ts'

type Progress = ControlRequest['progress']

/** What became of a request. */
export function progressText({ kind, progress }: Pick<ControlRequest, 'kind' | 'progress'>): string {
  switch (progress.kind) {
    case 'requested':
      return 'waits for a replica that runs the stream'
    case 'waiting':
      return `${progress.by} cannot carry it out (${progress.code}) and tries again`
    case 'running':
      return `${shareText(progress)}, by ${progress.by}`
    case 'cancelled':
      return `cancelled by ${progress.by} at ${isoTime(progress.at)}, not confirmed by a replica yet`
    case 'done':
      return `${doneText(kind, progress)} by ${progress.by} at ${isoTime(progress.at)}`
  }
}

function shareText({ share, ...counts }: Extract<Progress, { kind: 'running' }>): string {
  return share === null ? countsText(counts) : `${Math.floor(share * 100)} % ${countsText(counts)}`
}

export function countsText({ clients, ...counts }: Published & { readonly clients: number }): string {
  return `${counted(clients, 'client')} read, ${publishedText(counts)}`
}

interface Published {
  readonly published?: number | undefined
  readonly changed?: number | undefined
}

/** What a request has published again, and which changes its scan was the first to find. */
export function publishedText({ published = 0, changed = 0 }: Published): string {
  const found = changed === 0 ? '' : `, ${counted(changed, 'changed client')} besides`
  return `${counted(published, 'event')} published${found}`
}

function doneText(kind: ControlRequest['kind'], { outcome, missing = [], ...counts }: DoneProgress): string {
  if (kind !== 'republish') return (outcome && outcomeTexts[outcome]) ?? 'carried out'
  const notFound = missing.length === 0 ? '' : `, ${counted(missing.length, 'client')} not found`
  return `${outcome === 'cancelled' ? 'cancelled' : 'complete'}: ${publishedText(counts)}${notFound},`
}

const outcomeTexts: Partial<Record<NonNullable<DoneProgress['outcome']>, string>> = {
  'never-published': 'erased (client never published)',
  unknown: 'refused (no client with this id)',
  cancelled: 'cancelled',
}

export type DoneProgress = Extract<Progress, { kind: 'done' }>

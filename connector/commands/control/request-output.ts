import * as z from 'zod'
import type { ControlRequest } from '../../control/control-document.ts'
import { counted, isoTime } from '../output/text.ts'

type Progress = ControlRequest['progress']

/** What became of a request. */
export function progressText({ kind, progress }: Pick<ControlRequest, 'kind' | 'progress'>): string {
  switch (progress.kind) {
    case 'requested':
      return 'waits for a replica that runs the stream'
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
  if (kind !== 'republish') return 'carried out'
  const notFound = missing.length === 0 ? '' : `, ${counted(missing.length, 'client')} not found`
  return `${outcome === 'cancelled' ? 'cancelled' : 'complete'}: ${publishedText(counts)}${notFound},`
}

export type DoneProgress = Extract<Progress, { kind: 'done' }>

const progressShape = z.strictObject({
  state: z
    .enum(['requested', 'running', 'cancelled', 'done'])
    .describe('`requested`: no replica has begun; `cancelled`: not confirmed by a replica yet'),
  by: z.string().nullable().describe('The process that reported it; null: none yet'),
  at: z.iso.datetime().nullable().describe('When'),
  share: z.number().nullable().describe('Of the clients to read, 0 to 1; null: unknown'),
  clients: z.int().nullable().describe('Clients read so far'),
  published: z.int().nullable().describe('Clients published again: events with `republished`'),
  changed: z.int().nullable().describe('Changed clients that this scan was the first to find: published as changes'),
  missing: z.int().nullable().describe('Named clients that Polaris has not returned'),
  outcome: z.string().nullable().describe('How it ended, if it may end in several ways'),
})

/** What `requests --json` prints. */
export const requestsShape = z.strictObject({
  connector: z.string().describe('Name of the connector'),
  requests: z
    .array(
      z.strictObject({
        id: z.string().describe('For `--cancel`'),
        stream: z.string().describe('Name of the stream'),
        kind: z.enum(['pause', 'resume', 'republish', 'check']).describe('What is requested'),
        requestedAt: z.iso.datetime().describe('When'),
        requestedBy: z.string().describe('The process of the operator'),
        reason: z.string().nullable().describe('Why, in the words of the operator'),
        from: z.string().nullable().describe('Republish: clients modified since; null: from the beginning'),
        clients: z.int().nullable().describe('Republish: number of named clients; null: all'),
        progress: progressShape.describe('What became of it'),
      }),
    )
    .readonly()
    .describe('Oldest first'),
})

export function requestsOutput(connector: string, requests: readonly ControlRequest[]): z.output<typeof requestsShape> {
  return { connector, requests: requests.map(requestOutput) }
}

function requestOutput(request: ControlRequest): z.output<typeof requestsShape>['requests'][number] {
  const { id, stream, kind, requestedAt, requestedBy } = request
  const isRepublish = kind === 'republish'
  return {
    id,
    stream,
    kind,
    requestedAt: isoTime(requestedAt),
    requestedBy,
    reason: 'reason' in request ? request.reason : null,
    from: isRepublish ? request.from : null,
    clients: isRepublish && request.wanted.kind === 'clients' ? request.wanted.keys.length : null,
    progress: progressOutput(request.progress),
  }
}

const unknown = {
  by: null,
  at: null,
  share: null,
  clients: null,
  published: null,
  changed: null,
  missing: null,
  outcome: null,
}

function progressOutput(progress: ControlRequest['progress']): z.output<typeof progressShape> {
  const { kind: state } = progress
  if (progress.kind === 'requested') return { ...unknown, state: 'requested' }
  const { by, at } = progress
  const reported = { ...unknown, state, by, at: isoTime(at) }
  if (progress.kind === 'cancelled') return reported
  if (progress.kind === 'running') {
    const { share, clients, published, changed } = progress
    return { ...reported, share, clients, published, changed }
  }
  const { outcome = null, published = null, changed = null, missing } = progress
  return { ...reported, outcome, published, changed, missing: missing?.length ?? null }
}

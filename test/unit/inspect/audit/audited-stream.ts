import { expect } from 'vitest'
import {
  type CheckpointDocument,
  parseDocument,
  serializeDocument,
} from '../../../../connector/checkpoint/checkpoint-document.ts'
import { fieldAttributes } from '../../../../connector/event/fields/field-rules.ts'
import { presentRules, type ReadingRules } from '../../../../connector/event/read-client.ts'
import {
  type AuditOptions,
  type AuditParts,
  type AuditProgress,
  auditStream,
} from '../../../../connector/inspect/audit/audit-stream.ts'
import type { ClientSource } from '../../../../connector/source/client-source.ts'
import { driven } from '../../../support/driven.ts'
import { fakePolaris } from '../../../support/fakes/fake-client-source.ts'
import { virtualClock } from '../../../support/fakes/virtual-clock.ts'
import { runAlone } from '../../../support/run-alone.ts'
import { never } from '../../../support/signals.ts'
import { noon } from '../../pipeline/readings.ts'
import { groupParts, KEY, stage } from '../../stream/open/open-parts.ts'

export const wholeClients: ReadingRules = { timeZone: 'Europe/Paris', ignored: new Set(), fields: undefined }

/** A stream of ten clients on fakes, and its audit. Pages have two clients. */
export function auditedStream(wrapped: (source: ClientSource) => ClientSource = (source) => source) {
  const clock = virtualClock(noon)
  const polaris = fakePolaris({ now: clock.now, timeZone: 'Europe/Paris', modificationTime: 'hidden' })
  for (let client = 1; client <= 10; client += 1) polaris.change(`c${client}`)
  const on = stage({ clock, until: 'caught-up', source: wrapped(polaris.source('replica')) })
  let rules = wholeClients
  const indexRules = () => presentRules(rules, 'No 1000000')
  const open = () => ({ ...on.open, indexRules: indexRules() })
  const document = () => parseDocument(on.store.stored(KEY)?.text ?? '')
  const progress: AuditProgress[] = []
  const parts = (source: ClientSource, more: Partial<AuditParts>): AuditParts => ({
    open: open(),
    source: {
      reader: { ...on.pipeline.reader, source },
      rules,
    },
    ...{ savePeriodMs: 60_000, isPaused: false, otherSources: [], ...more },
  })
  return {
    ...{ ...on, polaris, document, progress },
    use: (next: ReadingRules) => {
      rules = next
    },
    /** Reads everything that is due, as a new replica. */
    poll: async () => {
      const { settings: given } = groupParts()
      const extensions = fieldAttributes(rules.fields, rules.hmac)
      const settings = { ...given, form: { ...given.form, extensions } }
      const group = { ...on.pipeline.group, rules, indexRules: indexRules(), settings }
      const run = runAlone({ ...on.streamParts, open: open(), pipeline: { ...on.pipeline, group } }, never)
      expect(await driven(clock, run)).toEqual({ kind: 'caught-up' })
    },
    edit: (edited: (document: CheckpointDocument) => CheckpointDocument) =>
      on.store.tamper(KEY, serializeDocument(edited(document()))),
    audit: async (
      options: Partial<AuditOptions> &
        Partial<AuditParts> & { readonly source?: never; readonly reads?: ClientSource } = {},
    ) => {
      const { wanted = 'counts', onProgress = () => {}, reads = wrapped(polaris.source('audit')), ...more } = options
      const observed = (step: AuditProgress) => {
        progress.push(step)
        onProgress(step)
      }
      return await driven(clock, auditStream(parts(reads, more), { wanted, onProgress: observed }, never))
    },
  }
}

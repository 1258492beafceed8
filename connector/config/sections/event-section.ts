import type * as z from 'zod'
import { eventModes } from '../../event/cloud-event/event-form.ts'
import {
  actionOf,
  type FieldRules,
  fieldActions,
  fieldHash,
  fieldRules,
  hasHmac,
} from '../../event/fields/field-rules.ts'
import { valueTypes } from '../../event/fields/field-types.ts'
import { type Violation, violationsBelow } from '../config-problem.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const eventSection = setting.section('What events contain of a client', {
  mode: setting.choice(
    'Value of a record: the event (`structured`), or the client, with the attributes in headers `ce_*` (`binary`). A change publishes nothing again',
    { choices: eventModes, default: 'structured' },
  ),
  fields: setting.choiceMap(
    'Fields (dotted paths, in any case) to `keep`, to `drop` or to replace by an HMAC (`hmac`), with what is below them',
    { choices: fieldActions, names: check.rulePath, default: {} },
  ),
  otherFields: setting.choice('What happens to fields without an entry in `fields`', {
    choices: ['keep', 'drop'],
    default: 'keep',
  }),
  types: setting.choiceMap(
    'Fields (dotted paths, in any case) whose text becomes a JSON literal with the same text, where it is one',
    { choices: valueTypes, names: check.rulePath, default: {} },
  ),
  hmacKey: setting
    .secret('Key of the HMAC, read at start: at least 32 characters', { check: check.hmacKey })
    .optional(),
})

type EventSettings = z.output<typeof eventSection>

/** Returns what leaves the process of each client. Reads the key once: all events of a run have the same. */
export function eventFields({ fields, otherFields, hmacKey, types }: EventSettings) {
  const byPath = new Map(Object.entries(types).map(([path, type]) => [path.toLowerCase(), type]))
  return {
    fields: fieldRules(otherFields, Object.entries(fields)),
    hmac: hmacKey === undefined ? undefined : fieldHash(hmacKey.reveal()),
    types: byPath.size === 0 ? undefined : byPath,
  }
}

interface CheckedStream {
  readonly event: EventSettings
  readonly polaris: { readonly clientIdField?: string | undefined }
}

/** Checks these settings and the client id. */
export function checkedFieldRules({ event, polaris }: CheckedStream): Violation[] {
  const written = Object.entries(event.fields)
  const types = Object.entries(event.types)
  const rules = fieldRules(event.otherFields, written)
  const needsKey = rules !== undefined && hasHmac(rules) && event.hmacKey === undefined
  const found = [
    ...violationsBelow('fields', ambiguitiesOf(written)),
    ...violationsBelow('types', ambiguitiesOf(types)),
    ...(needsKey ? [{ path: ['hmacKey'], what: 'is missing: required by hmac in event.fields' }] : []),
  ]
  return [
    ...violationsBelow('event', found),
    ...(rules === undefined ? [] : clientIdRule(rules, polaris.clientIdField)),
  ]
}

/** Tells why written paths are no clear rules beside each other. */
function ambiguitiesOf(written: readonly (readonly [string, string])[]): Violation[] {
  return written.flatMap(([path]) => {
    const lower = path.toLowerCase()
    const same = written.find(([other]) => other !== path && other.toLowerCase() === lower)
    const whole = written.find(([other, action]) => action === 'hmac' && lower.startsWith(`${other.toLowerCase()}.`))
    if (same !== undefined) return { path: [path], what: `is the same field as ${same[0]}: keep only one` }
    if (whole === undefined) return []
    return { path: [path], what: `is part of ${whole[0]}, which is hashed as a whole: remove one or the other` }
  })
}

/** Requires the client id to be set where fields are dropped: detection must not decide whether it is dropped. */
function clientIdRule(rules: FieldRules, field: string | undefined): Violation[] {
  const isMissing = 'is missing: required where event.fields drops or hashes fields'
  if (field === undefined) return [{ path: ['polaris', 'clientIdField'], what: isMissing }]
  if (actionOf(rules, field.toLowerCase()) === 'keep') return []
  const reason = 'it is the key of its events, by which they are ordered, compacted and erased'
  return [{ path: ['event', 'fields'], what: `must keep the client id (add "${field}": keep): ${reason}` }]
}

import type * as z from 'zod'
import { eventModes } from '../../event/cloud-event/event-form.ts'
import {
  actionOf,
  type FieldHash,
  type FieldRules,
  fieldActions,
  fieldHash,
  fieldRules,
  hasHmac,
} from '../../event/fields/field-rules.ts'
import { type FieldTypes, valueTypes } from '../../event/fields/field-types.ts'
import type { Violation } from '../config-problem.ts'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

export const eventSection = setting.section('What events contain of a client', {
  mode: setting.choice({
    choices: eventModes,
    default: 'structured',
    variable: 'EVENT_MODE',
    description:
      'What the value of a record is: the event (`structured`), or the client, with the attributes of the event in headers `ce_*` (`binary`). A change concerns new events only, and publishes nothing again',
  }),
  source: setting
    .text({
      check: check.streamName,
      variable: 'EVENT_SOURCE',
      description:
        'Name of the stream in the `source` of its events. Default: its `name`. Set it to the old name when the stream gets another one',
    })
    .optional(),
  fields: setting.choiceMap({
    choices: fieldActions,
    check: check.rulePath,
    default: {},
    variable: 'EVENT_FIELDS',
    description:
      'Fields (dotted paths, compared without case) to `keep`, to `drop`, or to replace by an HMAC of their value (`hmac`), with what is below them. Dropped fields do not decide whether a client changed',
  }),
  otherFields: setting.choice({
    choices: ['keep', 'drop'],
    default: 'keep',
    variable: 'EVENT_OTHER_FIELDS',
    description: 'What happens to fields without an entry in `fields`; with `drop`, `fields` lists what is published',
  }),
  types: setting.choiceMap({
    choices: valueTypes,
    check: check.rulePath,
    default: {},
    variable: 'EVENT_TYPES',
    description:
      'Types of fields (dotted paths, compared without case). An `integer`, `decimal` or `boolean` becomes a JSON literal with the same text. What does not fit, such as 007 as an integer, stays text. All other fields are text. A type does not change whether a client counts as changed',
  }),
  hmacKey: setting.secret({
    check: check.hmacKey,
    variable: 'EVENT_HMAC_KEY',
    description:
      'Key of the HMAC, read at start: at least 32 characters. Events name the key by an id that is derived from it',
  }),
})

type EventSettings = z.output<typeof eventSection>

/** What leaves the process of each client. */
export interface EventFields {
  /** Undefined: whole clients. */
  readonly fields: FieldRules | undefined
  /** Also without hashed fields: entries of the client index may have been made with it. */
  readonly hmac: FieldHash | undefined
  /** Undefined: every value is text. */
  readonly types: FieldTypes | undefined
}

/** Reads the key once: all events of a run have the same. */
export function eventFields({ fields, otherFields, hmacKey, types }: EventSettings): EventFields {
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

/** The rule about these settings and the client id. */
export function checkedFieldRules({ event, polaris }: CheckedStream): Violation[] {
  const written = Object.entries(event.fields)
  const rules = fieldRules(event.otherFields, written)
  const needsKey = rules !== undefined && hasHmac(rules) && event.hmacKey === undefined
  return [
    ...written.flatMap(([path]) => ambiguous(path, written)),
    ...Object.keys(event.types).flatMap((path) => withoutType(path, event.types, rules)),
    ...(needsKey ? [{ path: ['event', 'hmacKey'], what: 'is missing: required by hmac in event.fields' }] : []),
    ...(rules === undefined ? [] : clientId(rules, polaris.clientIdField)),
  ]
}

function ambiguous(path: string, written: readonly (readonly [string, string])[]): Violation[] {
  const lower = path.toLowerCase()
  const at = (what: string) => [{ path: ['event', 'fields', path], what }]
  const same = sameField(
    path,
    written.map(([other]) => other),
  )
  if (same !== undefined) return at(same)
  const whole = written.find(([other, action]) => action === 'hmac' && lower.startsWith(`${other.toLowerCase()}.`))
  return whole === undefined ? [] : at(`is part of ${whole[0]}, which is hashed as a whole: remove one or the other`)
}

const sameField = (path: string, paths: readonly string[]) => {
  const same = paths.find((other) => other !== path && other.toLowerCase() === path.toLowerCase())
  return same === undefined ? undefined : `is the same field as ${same}: keep only one`
}

/** The HMAC of a number is none. */
function withoutType(path: string, types: EventSettings['types'], rules: FieldRules | undefined): Violation[] {
  const same = sameField(path, Object.keys(types))
  if (same !== undefined) return [{ path: ['event', 'types', path], what: same }]
  const action = rules === undefined ? 'keep' : actionOf(rules, path.toLowerCase())
  if (action === 'keep') return []
  const by = action === 'hmac' ? 'hashed by event.fields' : 'dropped by event.fields or event.otherFields'
  return [{ path: ['event', 'types'], what: `has ${path}, which is ${by}: remove its type, or keep the field` }]
}

/** Detection must not decide whether the client id is dropped. */
function clientId(rules: FieldRules, field: string | undefined): Violation[] {
  const reason = 'it is the key of its events, by which they are ordered, compacted and erased'
  if (field === undefined)
    return [
      { path: ['polaris', 'clientIdField'], what: 'is missing: required where event.fields drops or hashes fields' },
    ]
  const path = field.toLowerCase()
  if (actionOf(rules, path) === 'keep') return []
  return [{ path: ['event', 'fields'], what: `must keep the client id (add "${field}": keep): ${reason}` }]
}

import type * as z from 'zod'
import type { ConfigPath, Violation } from '../config-problem.ts'
import { mechanismOf, type sasl } from './kafka-access-section.ts'

type Sasl = z.output<typeof sasl>

const path = ['kafka', 'sasl']

export const isOAuth = (sasl: Sasl) => mechanismOf(sasl) === 'oauthbearer'

/** Settings of a login with a password. */
export function passwordLogin(sasl: Sasl): Violation[] {
  const { extensions, ...texts } = sasl.oauth
  const unused = Object.entries({ ...texts, extensions: Object.keys(extensions).at(0) })
  return [
    ...allOrNone(sasl, ['mechanism', 'username', 'password'], path),
    ...unused.flatMap(([key, value]) =>
      value === undefined ? [] : [{ path: [...path, 'oauth', key], what: 'requires mechanism: oauthbearer' }],
    ),
  ]
}

/** Settings of a login with a token. */
export function tokenLogin(sasl: Sasl): Violation[] {
  const { tokenEndpoint, extensions } = sasl.oauth
  const required = { username: sasl.username, password: sasl.password, 'oauth.tokenEndpoint': tokenEndpoint }
  const missing = Object.entries(required).filter(([, value]) => value === undefined)
  const badNames = Object.keys(extensions).filter((name) => name === 'auth' || !/^[A-Za-z]+$/.test(name))
  return [
    ...missing.map(([key]) => ({ path: [...path, ...key.split('.')], what: 'is missing: required with oauthbearer' })),
    ...badNames.map((name) => ({
      path: [...path, 'oauth', 'extensions', name],
      what: 'must be a name of letters other than auth',
    })),
  ]
}

export function allOrNone(
  group: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  path: ConfigPath,
): Violation[] {
  const set = keys.filter((key) => group[key] !== undefined)
  if (set.length === 0) return []
  const missing = keys.filter((key) => group[key] === undefined)
  return missing.map((key) => ({
    path: [...path, key],
    what: `is missing: required together with ${set.join(' and ')}`,
  }))
}

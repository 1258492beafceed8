import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import { secret } from '../../../connector/config/secret.ts'

test('invariant 8: only reveal() returns a secret', () => {
  const password = secret('hunter2')
  const seen = [
    String(password),
    `${password}`,
    JSON.stringify({ password }),
    inspect({ password }),
    format('%s %o %j', password, password, password),
  ]
  expect(seen.join()).not.toContain('hunter2')
  expect(seen[0]).toBe('***')
  expect(JSON.stringify({ password })).toBe('{"password":"***"}')
  expect(password.reveal()).toBe('hunter2')
})

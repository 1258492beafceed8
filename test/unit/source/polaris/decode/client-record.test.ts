import { describe, expect, test } from 'vitest'
import { normaliseText } from '../../../../../connector/source/polaris/decode/client-record.ts'

describe('normaliseText', () => {
  test.each([
    '0001-01-01T00:00:00',
    '0001-01-01T00:00:00+01:00',
    '0001-01-01',
    '01/01/0001 00:00:00',
    '/Date(-62135596800000)/',
    '/Date(-62135596800000+0100)/',
  ])('returns undefined for the minimum date %s', (text) => {
    expect(normaliseText(text, 'Europe/Paris')).toBeUndefined()
  })

  test.each([
    ['/Date(1706705100000+0100)/', '2024-01-31T13:45:00'],
    ['/Date(1706705100120-0500)/', '2024-01-31T13:45:00.12'],
    ['/Date(-1)/', '1970-01-01T00:59:59.999'],
    ['/Date(1722426300000+0200)/', '2024-07-31T13:45:00'],
  ])('converts %s to wall-clock text of the server, %s', (text, expected) => {
    expect(normaliseText(text, 'Europe/Paris')).toBe(expected)
  })

  test.each([
    '',
    '01234',
    '0001-01-02T00:00:00',
    '/',
    '/Date(x)/',
    '/Date(99999999999999999)/',
    '/Date(999999999999999)/',
    ' 1 ',
  ])('keeps "%s" unchanged', (text) => {
    expect(normaliseText(text, 'Europe/Paris')).toBe(text)
  })
})

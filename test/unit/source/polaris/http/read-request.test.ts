import { describe, expect, test } from 'vitest'
import type { CheckPoint, ReadArguments, SourceTime } from '../../../../../connector/source/client-source.ts'
import { apiBase, type ReadSettings, readRequest } from '../../../../../connector/source/polaris/http/read-request.ts'

const at: ReadArguments = {
  lastChanged: '2024-01-31T13:45:00' as SourceTime,
  checkPoint: null,
  limit: 100,
  output: 'xml',
}
const settings = (changed: Partial<ReadSettings> = {}): ReadSettings => ({
  base: apiBase('https://shop.example:3443'),
  codeMagasin: 12,
  lastChanged: (text) => text,
  ...changed,
})

describe('readRequest', () => {
  test('sends the required arguments with the documented names and order, without absent ones', () => {
    expect(readRequest(settings(), at).url.href).toBe(
      'https://shop.example:3443/core/api/Client.GetClientsModified?lastChanged=2024-01-31T13%3A45%3A00&codeMagasin=12&limit=100&output=xml',
    )
  })

  test('sends back a checkPoint with any characters verbatim (invariant 5)', () => {
    const checkPoint = ' a+b&c=d é%/"\'#\n' as CheckPoint
    const get = readRequest(settings(), { ...at, checkPoint })
    expect(get.url.search).toContain('checkPoint=%20a%2Bb%26c%3Dd%20%C3%A9%25%2F%22')
    expect(get.url.searchParams.get('checkPoint')).toBe(checkPoint)
  })
})

describe('apiBase', () => {
  test.each([
    ['http://h', 'http://h/core/api/'],
    ['http://h/', 'http://h/core/api/'],
    ['http://h:81/core/api', 'http://h:81/core/api/'],
    ['http://h/core/api/', 'http://h/core/api/'],
    ['https://h/polaris/web?x=1#y', 'https://h/polaris/web/'],
  ])('converts %s to %s', (url, base) => {
    expect(apiBase(url).href).toBe(base)
  })
})

import { expect, test } from 'vitest'
import { closeStack } from '../../../connector/runtime/close-stack.ts'

const failing = (message: string) => () => Promise.reject(new Error(message))

test('closes resources in reverse order, one after the other, each once', async () => {
  const closed: string[] = []
  const closing = closeStack()
  for (const name of ['store', 'producer', 'server']) {
    const used = closing.use(name, async (resource) => {
      closed.push(`${resource} closing`)
      await Promise.resolve()
      closed.push(`${resource} closed`)
    })
    expect(used).toBe(name)
  }
  await closing.close()
  await closing.close()
  expect(closed).toEqual([
    'server closing',
    'server closed',
    'producer closing',
    'producer closed',
    'store closing',
    'store closed',
  ])
})

test('closes the other resources and rejects with the error when one fails to close', async () => {
  const closed: string[] = []
  const closing = closeStack()
  closing.use('store', () => void closed.push('store'))
  closing.use('producer', failing('producer hangs'))
  closing.use('server', () => void closed.push('server'))
  await expect(closing.close()).rejects.toThrow('producer hangs')
  expect(closed).toEqual(['server', 'store'])
})

test('rejects with an AggregateError when several resources fail to close', async () => {
  const closing = closeStack()
  closing.use('store', failing('first'))
  closing.use('producer', () => {
    throw new Error('second')
  })
  const error = await closing.close().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(AggregateError)
  expect((error as AggregateError).errors.map(String)).toEqual(['Error: second', 'Error: first'])
})

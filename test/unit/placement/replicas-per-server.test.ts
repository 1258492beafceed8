import { expect, test } from 'vitest'
import { replicasPerServer } from '../../../connector/placement/replicas-per-server.ts'

test('a server is shared by the replicas that have streams of it', () => {
  const serverOf = new Map([
    ['paris', 'https://a'],
    ['lyon', 'https://a'],
    ['lille', 'https://b'],
  ])
  const members = [{ streams: ['paris', 'lyon'] }, { streams: ['lille'] }, { streams: [] }, { streams: ['unknown'] }]
  expect([...replicasPerServer(members, serverOf)]).toEqual([
    ['https://a', 1],
    ['https://b', 1],
  ])
  const moved = [{ streams: ['paris'] }, { streams: ['lyon', 'lille'] }]
  expect([...replicasPerServer(moved, serverOf)]).toEqual([
    ['https://a', 2],
    ['https://b', 1],
  ])
})

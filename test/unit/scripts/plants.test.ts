import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { planted } from '../../plants/planted.ts'
import { plants } from '../../plants/plants.ts'

// The planted defects are compared with the sources: each text stands there once.

describe('a planted defect', () => {
  test.each(plants.map((plant) => [plant.name, plant] as const))('can be planted: %s', (_name, plant) => {
    const source = readFileSync(`connector/${plant.file}`, 'utf8')
    expect(planted(plant, source)).not.toBe(source)
  })

  test('is to be found by tests that exist', () => {
    const files = plants.flatMap(({ by }) => ('unit' in by ? by.unit.split(' ') : []))
    expect(files.filter((file) => !existsSync(`test/unit/${file}`))).toEqual([])
  })
})

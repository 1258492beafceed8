import type { VersionedObject } from '../../storage/versioned-object.ts'
import { erase } from './erase/erase.ts'
import { erasureMarks } from './erase/erasure-marks.ts'
import type { Feature } from './part.ts'
import { republish } from './republish/republish.ts'

export interface FeatureParts {
  /** The marks of erased clients. */
  readonly erasures: VersionedObject
  readonly newNonce: () => string
}

/** What the pipeline does besides copying pages. A new feature is a folder and a line here. */
export const featureList = ({ erasures, newNonce }: FeatureParts): readonly Feature[] => [
  republish,
  erase(erasureMarks({ object: erasures, newNonce })),
]

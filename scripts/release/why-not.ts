import { changelogSection } from './changelog.ts'

export interface ReleaseState {
  readonly version: string
  readonly changelog: string
  /** The tag that this release is of, where it is known. */
  readonly tag: string | undefined
  /** What `git status --porcelain` prints. */
  readonly uncommitted: string
  /** What the image is built on. */
  readonly baseImages: readonly string[]
  readonly standInsAllowed: boolean
}

/** Every reason why this is no release. */
export function whyNoRelease(state: ReleaseState): string[] {
  const { version, changelog, tag, uncommitted, baseImages, standInsAllowed } = state
  const standIns = baseImages.filter((image) => image.includes('localhost/'))
  const reasons: readonly (readonly [boolean, string])[] = [
    [!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version), `${version} in package.json is no semantic version`],
    [changelogSection(changelog, version) === undefined, `CHANGELOG.md has no section [${version}]`],
    [tag !== undefined && tag !== `v${version}`, `the tag ${tag} is not v${version}, the version in package.json`],
    [uncommitted !== '', `there are uncommitted changes:\n${uncommitted}`],
    [
      standIns.length > 0 && !standInsAllowed,
      `the image would be built on stand-ins, since no registry answered: ${standIns.join(', ')}`,
    ],
  ]
  return reasons.filter(([isSo]) => isSo).map(([, reason]) => reason)
}

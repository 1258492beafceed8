import { changelogSection } from './changelog.ts'

export interface ReleaseState {
  readonly version: string
  readonly changelog: string
  /** The tag to release, if known. */
  readonly tag: string | undefined
  /** The output of `git status --porcelain`. */
  readonly uncommitted: string
  /** The images that the connector's image is built on. */
  readonly baseImages: readonly string[]
  readonly standInsAllowed: boolean
}

/** Every reason why this state cannot be released. */
export function whyNoRelease(state: ReleaseState): string[] {
  const { version, changelog, tag, uncommitted, baseImages, standInsAllowed } = state
  const standIns = baseImages.filter((image) => image.includes('localhost/'))
  const reasons: readonly (readonly [boolean, string])[] = [
    [
      !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
      `the version in package.json must be a semantic version, not ${version}`,
    ],
    [changelogSection(changelog, version) === undefined, `CHANGELOG.md has no section [${version}]`],
    [tag !== undefined && tag !== `v${version}`, `the tag ${tag} must be v${version}, the version in package.json`],
    [uncommitted !== '', `there are uncommitted changes:\n${uncommitted}`],
    [
      standIns.length > 0 && !standInsAllowed,
      `the image would be built on stand-ins, since the base images could not be pulled: ${standIns.join(', ')}`,
    ],
  ]
  return reasons.filter(([isSo]) => isSo).map(([, reason]) => reason)
}

import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LockedPackage, productionPackages } from './production-packages.ts'

const isLicence = (file: string) => /^(licen[cs]e|notice|copying)/i.test(file)

/** Writes the licence of the connector and, in a folder each, those of the packages that it runs with. */
export function collectLicences(folder: string): void {
  mkdirSync(folder, { recursive: true })
  cpSync('LICENSE', join(folder, 'LICENSE'))
  for (const one of productionPackages()) copyLicence(one, join(folder, `${one.name}@${one.version}`))
}

/** A package that brings no text of its licence is noted with the name of it. */
function copyLicence({ folder: from, license }: LockedPackage, to: string): void {
  mkdirSync(to, { recursive: true })
  const files = readdirSync(from).filter(isLicence)
  for (const file of files) cpSync(join(from, file), join(to, file))
  if (files.length === 0) writeFileSync(join(to, 'LICENSE'), `${license} (the package brings no text of its licence)\n`)
}

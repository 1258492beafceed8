import { readFileSync } from 'node:fs'
import { closingAfterAll, temporaryFolder } from '../closing.ts'
import { makeCertificates } from './certificates.ts'

/** Certificates for the tests of a file, as PEM text. */
export function pemCertificates() {
  const directory = temporaryFolder(closingAfterAll())
  const files = makeCertificates(directory)
  const pem = (path: string) => readFileSync(path, 'utf8')
  return {
    directory,
    files,
    ca: pem(files.authority),
    server: { key: pem(files.serverKey), cert: pem(files.serverCertificate) },
    client: { key: pem(files.clientKey), cert: pem(files.clientCertificate) },
  }
}

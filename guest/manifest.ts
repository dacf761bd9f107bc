/** What public/guest/manifest.json says about an image. Types only: the page imports nothing else from here. */

/** A file of the image, beside the manifest. */
export interface GuestFile {
  readonly name: string;
  readonly bytes: number;
  /** Of the file as it lies there, in lower-case hexadecimal. */
  readonly sha256: string;
  /** For a gzip file: the size of what it holds. */
  readonly unpackedBytes?: number;
}

/** A Debian package that something in the image was taken from. */
export interface GuestPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of the .deb file, as the archive's signed index gives it. */
  readonly sha256: string;
  /** Of the .deb file, in bytes. */
  readonly size: number;
  /** Short names from the package's own copyright file, or "see copyright". */
  readonly licence: string;
}

export interface GuestManifest {
  readonly version: 1;
  /** The Debian suite. */
  readonly suite: string;
  /** Suites of the mirror that belong here but were not served intact when it was built. */
  readonly omittedSuites: readonly string[];
  /** When the newest suite used was released (ISO 8601): the image's date, the same whenever it is built. */
  readonly built: string;
  /** `uname -r` of the guest. */
  readonly kernel: string;
  readonly files: readonly GuestFile[];
  readonly packages: readonly GuestPackage[];
}

// Reads cluster files again and again: what one change of a long file costs is what it changes. It gives what readClusterFiles() gives,
// with the values of the last reading wherever the text is the same; a file that is written in another way than as maps of entries, or
// has a fault, is read as a whole.
import { YamlDocument } from "../../config/yaml-document.ts";
import { sectionsOf } from "../../config/yaml-sections.ts";
import { type ClusterReading, type ClusterText, readingOf, type SoundReading } from "./cluster-files.ts";
import { type FileReading, isSectionName, readDocument } from "./file-reading.ts";
import { readNamespaces } from "./namespaces-section.ts";
import { readNodes } from "./nodes-section.ts";
import { readPods } from "./pods-section.ts";
import { readPolicies } from "./policies-section.ts";
import { RememberedSection } from "./remembered-section.ts";

export class ClusterReader {
  readonly #pieceLength: number | undefined;
  #files: ReadonlyMap<string, RememberedFile> = new Map();
  /** Of the last reading, where it had no fault and each file was remembered. */
  #last: SoundReading | undefined;

  /** So much text of new entries is parsed at a time. */
  constructor(pieceLength?: number) {
    this.#pieceLength = pieceLength;
  }

  read(texts: readonly ClusterText[]): ClusterReading {
    // What is no longer there is forgotten.
    this.#files = new Map(
      texts.map(({ file }) => [file, this.#files.get(file) ?? new RememberedFile(this.#pieceLength)]),
    );
    const documents = texts.map(({ file, text }) => new YamlDocument(file, text));
    const remembered = documents.map((document) => this.#files.get(document.file)?.read(document));
    const files = documents.map((document, at) => remembered[at] ?? readDocument(document));
    const reading = readingOf(files, this.#last);
    const { view } = reading;
    this.#last = view === undefined || remembered.includes(undefined) ? undefined : { files, view };
    return reading;
  }
}

class RememberedFile {
  readonly #nodes;
  readonly #namespaces;
  readonly #pods;
  readonly #policies;

  constructor(pieceLength: number | undefined) {
    this.#nodes = new RememberedSection("nodes", readNodes, pieceLength);
    this.#namespaces = new RememberedSection("namespaces", readNamespaces, pieceLength);
    this.#pods = new RememberedSection("pods", readPods, pieceLength);
    this.#policies = new RememberedSection("policies", readPolicies, pieceLength);
  }

  /** Undefined where the file must be read as a whole. */
  read(document: YamlDocument): FileReading | undefined {
    const sections = sectionsOf(document.text);
    if (sections?.every(({ key }) => isSectionName(key)) !== true) return undefined;
    const nodes = this.#nodes.read(document, sections);
    const namespaces = this.#namespaces.read(document, sections);
    const pods = this.#pods.read(document, sections);
    const policies = this.#policies.read(document, sections);
    const understood = [nodes, namespaces, pods, policies].filter((section) => section !== undefined);
    if (understood.length < sections.length) return undefined;
    return {
      file: document.file,
      faults: [],
      ...(nodes && { nodes }),
      ...(namespaces && { namespaces }),
      ...(pods && { pods }),
      ...(policies && { policies }),
    };
  }
}

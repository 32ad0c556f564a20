// A small file written anew while others may read it: they see the old text or the new, and never half of one, also after a power cut.
// It throws what the system says; what that means for the file in question, whoever writes it knows.
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** What is written here is for root alone. */
const mode = 0o600;

/**
 * By way of `temporary`, a name of the same directory that belongs to nobody else. Renaming replaces whatever has the name, a symbolic link
 * included, and never what a link leads to.
 */
export async function replaceFile(path: string, temporary: string, text: string): Promise<void> {
  // It may be left from an agent that was killed; "wx" then keeps from following a link somebody put there.
  await rm(temporary, { force: true });
  try {
    await using file = await open(temporary, "wx", mode);
    await file.writeFile(text);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes the names in it as durable as the files. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

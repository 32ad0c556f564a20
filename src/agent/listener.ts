// Whether anybody accepts calls at a socket by its path, as the launcher would find it. Nothing is said to who does.
import { connect } from "node:net";

export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

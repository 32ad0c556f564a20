// A file as its text: vite and the build (cmd/dev/build/bundle.ts) put it into what they make.
declare module "*.html?raw" {
  const text: string;
  export default text;
}

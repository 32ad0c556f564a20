# Makes an image of nothing but busybox as a docker archive, which both ctr and podman import, so that no test ever pulls one.
# Arguments: the archive to write; the reference the image gets.
set -eu
archive=$1 reference=$2
work=$(mktemp -d)
mkdir -p "$work/root/bin" "$work/root/etc" "$work/root/proc" "$work/root/sys" "$work/root/dev" "$work/root/tmp" "$work/image"
cp /bin/busybox "$work/root/bin/busybox"
for applet in cat echo httpd mkdir nc ping sh sleep wget; do
  ln -s busybox "$work/root/bin/$applet"
done
chroot "$work/root" /bin/busybox true || {
  echo "/bin/busybox is not a static one: on Debian run apt-get install busybox-static" >&2
  exit 1
}

# Answers every request for / with its first argument, on port 80 of every address.
cat > "$work/root/bin/serve" <<'SERVE'
#!/bin/sh
mkdir -p /tmp/www
echo "$1" > /tmp/www/index.html
exec httpd -f -p 80 -h /tmp/www
SERVE
chmod 755 "$work/root/bin/serve"

tar --owner=0 --group=0 --mtime=@0 -C "$work/root" -cf "$work/image/layer.tar" .
layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
architecture=$(dpkg --print-architecture)
cat > "$work/image/config.json" <<CONFIG
{"architecture":"$architecture","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sleep","3600"]},
 "rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
CONFIG
cat > "$work/image/manifest.json" <<MANIFEST
[{"Config":"config.json","RepoTags":["$reference"],"Layers":["layer.tar"]}]
MANIFEST
tar -C "$work/image" -cf "$archive" manifest.json config.json layer.tar
rm -r "$work"

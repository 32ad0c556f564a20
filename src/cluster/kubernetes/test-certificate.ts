// A key and a certificate for API servers of tests, signed by itself, for ::1, 127.0.0.1 and localhost, from 2020 to 2120. Nobody
// trusts it who was not told to; it guards nothing.

export const testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDOJEyp23bgu5E0sh
k08agLiIDJg3wwGCaOcou+7ghxShRANCAATPoa5spNv6C8G+vNvBkgWVA4KvWp3H
MhWXaWqimFquapxKJXYGteBmzdcxji5/v4aa4XC3eyoQByynD1rTyKMh
-----END PRIVATE KEY-----
`;

export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtoZXh0ZXQt
dGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFjEUMBIGA1UE
AwwLaGV4dGV0LXRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATPoa5spNv6
C8G+vNvBkgWVA4KvWp3HMhWXaWqimFquapxKJXYGteBmzdcxji5/v4aa4XC3eyoQ
ByynD1rTyKMho2AwXjAsBgNVHREEJTAjhxAAAAAAAAAAAAAAAAAAAAABhwR/AAAB
gglsb2NhbGhvc3QwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUohzNaRQ4gT6x
dly4xILybc2sy5wwCgYIKoZIzj0EAwIDSAAwRQIhAOH9IqwvZPy+Oj1AgusRiW8r
dnFtW6yGz9MdW066dZrHAiBZcacayi5VcKoEjMlZKIu+l6zMV22gWhw59ii5aYwj
6w==
-----END CERTIFICATE-----
`;

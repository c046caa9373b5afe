#!/bin/sh
# sign.sh FILE.sys [DIRECTORY]
# Signs a driver with a test certificate and prints what to type on the test machine. The certificate and its key are
# made once, in DIRECTORY (default: ~/.config/sallyport-test-signing, mode 0700), never in the project.
set -eu
umask 077
[ $# -ge 1 ] && [ -f "$1" ] || { echo "usage: sign.sh FILE.sys [DIRECTORY]: the file to sign must exist (make -C driver/callout)" >&2; exit 2; }
for tool in openssl osslsigncode; do
  command -v "$tool" >/dev/null || { echo "sign.sh: $tool is missing: apt-get install $tool" >&2; exit 1; }
done
file=$1
directory=${2:-${XDG_CONFIG_HOME:-$HOME/.config}/sallyport-test-signing}
mkdir -p "$directory"
if [ ! -f "$directory/key.pem" ]; then
  # Code signing only; 3 years. Windows accepts it on a machine in test mode that trusts the certificate.
  openssl req -x509 -newkey rsa:3072 -sha256 -days 1095 -nodes -subj "/CN=Sallyport test signing ($(hostname))" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,digitalSignature" \
    -addext "extendedKeyUsage=codeSigning" -keyout "$directory/key.pem" -out "$directory/cert.pem" 2>/dev/null
  openssl x509 -in "$directory/cert.pem" -outform der -out "$directory/sallyport-test.cer"
fi
signed=$file.signed
rm -f "$signed"
osslsigncode sign -certs "$directory/cert.pem" -key "$directory/key.pem" -h sha256 -ph -n "Sallyport callout driver (test)" \
  -in "$file" -out "$signed" >/dev/null
osslsigncode verify -CAfile "$directory/cert.pem" -in "$signed" >/dev/null || { echo "sign.sh: the signature does not verify" >&2; exit 1; }
mv "$signed" "$file"
chmod 644 "$file"
cp "$directory/sallyport-test.cer" "$(dirname "$file")/sallyport-test.cer"
cat <<TEXT
signed: $file
certificate: $(dirname "$file")/sallyport-test.cer

On the test machine, in an elevated prompt, never on one that matters (Secure Boot must be off for testsigning):
  bcdedit /set testsigning on            and restart once
  certutil -addstore Root sallyport-test.cer
  certutil -addstore TrustedPublisher sallyport-test.cer
  install.cmd                            beside sallyport.sys, or by hand:
  copy sallyport.sys %SystemRoot%\\System32\\drivers\\
  sc create sallyport type= kernel start= demand binPath= System32\\drivers\\sallyport.sys depend= tcpip
  sc start sallyport
To end it: sc stop sallyport, sc delete sallyport, bcdedit /set testsigning off.
TEXT

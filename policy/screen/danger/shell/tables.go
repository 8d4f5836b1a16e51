package shell

import "strings"

// Set is a set of words.
func Set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// wrappers run the program that their arguments name. The letters are the short
// flags that take a value.
var wrappers = map[string]string{
	"sudo": "ughpCrt", "doas": "uC", "env": "uSC", "nohup": "", "nice": "n", "ionice": "cnp", "time": "fo", "timeout": "ks",
	"xargs": "IiLnPsdEa", "command": "", "exec": "a", "builtin": "", "setsid": "", "stdbuf": "ioe", "busybox": "", "toybox": "",
	"chroot": "", "unbuffer": "", "parallel": "jIN", "strace": "eops", "ltrace": "eo", "proxychains": "f", "proxychains4": "f", "torsocks": "",
	"su-exec": "", "gosu": "", "nocache": "", "chrt": "", "taskset": "c", "caffeinate": "tw", "rtk": "", "&": "", "start": "", "noglob": "",
}

var (
	// Shells run what they read.
	Shells = Set("sh bash dash zsh ksh mksh fish ash csh tcsh rbash")
	// Interpreters are interpreters that run what they read when no script is named.
	Interpreters = Set("python python2 python3 perl ruby node nodejs php lua pwsh powershell iex invoke-expression osascript")
	// Fetchers bring what an address holds.
	Fetchers = Set("curl wget fetch lwp-download http https httpie aria2c axel iwr invoke-webrequest irm invoke-restmethod lynx w3m")
	// passes write what they read, whole or in part.
	passes = Set("tee sed tr gunzip zcat gzip bzip2 xz cat head tail sort uniq awk gawk grep egrep cut iconv rev pv dd fold paste column jq openssl base64 base32 xxd od hexdump uuencode zstd tar gpg strings while")
	// Opens print the files that they are given.
	Opens = Set("cat less more head tail tac nl bat batcat strings xxd od hexdump base64 base32 cut sort awk gawk sed grep egrep fgrep rg vi vim nano view cp mv dd tar zip 7z gzip openssl rev paste uuencode type get-content gc tee jq yq pr fold")

	ofUnix = Set(`sh bash dash zsh ksh mksh fish ash csh tcsh rbash sudo doas env nohup nice ionice timeout xargs exec setsid stdbuf busybox chroot
parallel su eval source find fd ssh docker podman kubectl oc nerdctl watch script runuser trap python python2 python3 perl ruby node nodejs php lua gawk awk osascript
curl wget fetch aria2c http lynx nc ncat netcat socat telnet openssl xterm mkfifo mknod rm rmdir unlink shred wipefs mkfs mke2fs mkswap dd fdisk parted
sgdisk blkdiscard chmod chown chgrp chattr mv cp ln install shutdown reboot halt poweroff init telinit systemctl service kill killall pkill truncate tee cat less more head tail tac nl bat
strings xxd od hexdump base64 base32 cut sort sed grep egrep fgrep rg vi vim nano zip tar 7z gzip paste uuencode scp rsync sftp rclone ftp tftp
dig nslookup host ping crontab at batch launchctl printenv set export declare history unset setenforce ufw iptables ip6tables nft auditctl csrutil spctl swapoff insmod modprobe kmod
nsenter unshare mount umount usermod useradd adduser passwd chpasswd gpasswd visudo groupmod setcap
aws gcloud gsutil az helm terraform tofu pulumi gh glab git heroku stripe doctl linode-cli flyctl fly vercel firebase netlify eksctl kops vault pass op security secret-tool keyring
psql mysql mariadb sqlite3 mongosh mongo redis-cli dropdb mysqladmin cqlsh clickhouse-client sqlcmd bq snowsql mail mailx sendmail mutt ngrok chisel
launchd journalctl logger dmesg ssh-keygen ssh-copy-id mimikatz secretsdump lsof gdb tcpdump vssadmin jq nmap masscan hydra sqlmap msfvenom msfconsole xmrig`)
	ofWindows = Set(`powershell pwsh cmd iex invoke-expression iwr invoke-webrequest invoke-restmethod irm start-bitstransfer remove-item ri del erase rd rmdir format cipher certutil bitsadmin
regsvr32 mshta rundll32 wmic schtasks reg sc new-service set-mppreference add-mppreference vssadmin bcdedit wbadmin wevtutil clear-eventlog net netsh get-content gc new-object
register-scheduledtask format-volume clear-disk start-process downloadstring downloadfile cmdkey takeown icacls diskpart stop-computer restart-computer set-executionpolicy procdump cscript wscript`)
)

package config

import (
	"strconv"
	"strings"
	"time"

	"accord/exchange"
)

// Key is one setting.
type Key struct {
	Name    string // in the file and, dotted, in flags
	Default string
	Doc     exchange.Text
	set     func(*Config, string) error
	get     func(*Config) string
}

// Env is the environment variable that overrides the key.
func (k Key) Env() string {
	return "ACCORD_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(k.Name))
}

func text(name, def, zh, en string, field func(*Config) *string, allowed ...string) Key {
	return Key{name, def, exchange.Text{Zh: zh, En: en},
		func(c *Config, v string) error {
			if len(allowed) > 0 && !contains(allowed, v) {
				return errChoice(v, allowed)
			}
			*field(c) = v
			return nil
		},
		func(c *Config) string { return *field(c) }}
}

func duration(name, def, zh, en string, field func(*Config) *time.Duration, min, max time.Duration) Key {
	return Key{name, def, exchange.Text{Zh: zh, En: en},
		func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d < min || d > max {
				return errRange(v, min.String(), max.String())
			}
			*field(c) = d
			return nil
		},
		func(c *Config) string { return field(c).String() }}
}

func integer(name, def, zh, en string, field func(*Config) *int, min, max int) Key {
	return Key{name, def, exchange.Text{Zh: zh, En: en},
		func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < min || n > max {
				return errRange(v, strconv.Itoa(min), strconv.Itoa(max))
			}
			*field(c) = n
			return nil
		},
		func(c *Config) string { return strconv.Itoa(*field(c)) }}
}

// keyTable is every scalar setting, in the order of the example file.
var keyTable = []Key{
	text("member", "", "本节点所属成员单位的标识", "id of the member this node belongs to",
		func(c *Config) *string { return &c.Member }),
	text("federation", "", "联合体标识", "id of the federation",
		func(c *Config) *string { return &c.Federation }),
	text("listen", "127.0.0.1:7443", "唯一的 TLS 端口：成员间同步与对外接口", "the one TLS port, for peers and the API",
		func(c *Config) *string { return &c.Listen }),
	text("passphrase_file", "passphrase", "密钥库口令文件（0600）；可放在 systemd 凭据目录", "file with the keystore's passphrase (0600); may be a systemd credential",
		func(c *Config) *string { return &c.PassphraseFile }),
	text("lang", "zh", "默认语言", "default language", func(c *Config) *string { return &c.Lang }, "zh", "en"),
	text("log.level", "info", "日志级别", "log level", func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error"),
	text("log.format", "text", "日志格式", "log format", func(c *Config) *string { return &c.LogFormat }, "text", "json"),
	listOf("audit.files", "audit/audit.log", "审计日志文件，逗号分隔；建议两个不同的文件系统", "audit log files, comma separated; two file systems are advised",
		func(c *Config) *[]string { return &c.AuditFiles }),
	text("store", "", "记录库：空为数据目录中的 records.db，或 postgres://用户@主机:5432/库名（不含口令）", "record store: empty for records.db in the data folder, or postgres://user@host:5432/database without a password",
		func(c *Config) *string { return &c.Store }),
	text("store_password_file", "", "数据库口令文件（0600）；空为不用口令或由 PGPASSFILE 提供", "file (0600) with the database's password; empty: none, or as PGPASSFILE says",
		func(c *Config) *string { return &c.StorePassword }),
	text("metrics.listen", "", "指标端口（仅限回环地址）；空为只在本地套接字提供", "metrics address (loopback only); empty: local socket only",
		func(c *Config) *string { return &c.MetricsListen }),
	duration("raft.timeout", "3s", "心跳与选举超时；各成员须一致", "heartbeat and election timeout; equal on all members",
		func(c *Config) *time.Duration { return &c.RaftTimeout }, 200*time.Millisecond, 30*time.Second),
	integer("raft.snapshot_every", "8192", "每多少条日志做一次快照", "log entries between snapshots",
		func(c *Config) *int { return &c.SnapshotEvery }, 64, 1<<24),
	duration("raft.snapshot_interval", "2m", "多久检查一次是否该做快照", "how often to look whether a snapshot is due",
		func(c *Config) *time.Duration { return &c.SnapshotLooks }, 100*time.Millisecond, time.Hour),
	integer("raft.trailing_logs", "16384", "快照后保留的日志条数；须多于写出并传送一份快照期间新增的条数", "log entries kept after a snapshot; more than come in while one is written and sent",
		func(c *Config) *int { return &c.TrailingLogs }, 64, 1<<24),
	duration("raft.promote_after", "60s", "新节点追上账本并稳定多久后取得表决资格", "how long a newcomer must have kept up before it gets its vote",
		func(c *Config) *time.Duration { return &c.PromoteAfter }, 0, 24*time.Hour),
	duration("ledger.complain_after", "30s", "本单位的声明多久未入账即向全体成员申诉", "how long a statement of this member may stay off the ledger before its node complains to all members",
		func(c *Config) *time.Duration { return &c.ComplainAfter }, time.Second, time.Hour),
	duration("keys.renew_after", "17520h", "本单位的密钥使用多久后应更换（默认两年）；到期前 30、7、1 天提醒", "how long a key of this member is used before it is due to be replaced (two years by default); warned of 30, 7 and 1 days before",
		func(c *Config) *time.Duration { return &c.RenewAfter }, 24*time.Hour, 10*365*24*time.Hour),
	duration("feeds.poll", "5s", "多久向其他单位取一次新记录", "how often the other members are asked for new records",
		func(c *Config) *time.Duration { return &c.FeedPoll }, 100*time.Millisecond, time.Hour),
	duration("feeds.anchor", "60s", "新记录最迟多久锚定到账本；满 1000 条即锚定", "the longest that a new record waits to be anchored on the ledger; 1,000 of them are anchored at once",
		func(c *Config) *time.Duration { return &c.FeedAnchor }, time.Second, 24*time.Hour),
	listOf("feeds.by_hand", "", "网络不通、以文件交换记录流的成员，逗号分隔；不轮询其节点（见 accord feed export、import）", "members whose records come as files because no network reaches them, comma separated; their nodes are not asked (see accord feed export and import)",
		func(c *Config) *[]string { return &c.FeedByHand }),
	listOf("webhooks.allow", "", "推送可到达的非公网地址（CIDR），逗号分隔；默认只推送到公网 https", "addresses (CIDR) beside public ones that webhooks may go to, comma separated; by default only public ones, by https",
		func(c *Config) *[]string { return &c.WebhookAllow }),
	text("webhooks.ca_file", "", "推送端点的 CA 证书（PEM）；空为系统证书", "certificates (PEM) of the authorities of webhook endpoints; empty: the system's",
		func(c *Config) *string { return &c.WebhookCA }),
	duration("api.request_timeout", "30s", "单个请求的时限", "time limit of one request",
		func(c *Config) *time.Duration { return &c.RequestTimeout }, time.Second, 10*time.Minute),
	integer("api.max_upload_mib", "64", "导入文件大小上限（MiB）", "largest import file in MiB",
		func(c *Config) *int { return &c.MaxUpload }, 1, 4096),
	integer("api.public_rate", "50", "公众每个地址每秒请求数；0 为不限", "requests a second from one address of the public; 0: no limit",
		func(c *Config) *int { return &c.PublicRate }, 0, 100_000),
	integer("blinding.daily", "1000000", "持有盲化密钥份额时，每个成员每日可请求盲化的号码数", "numbers that one member may have blinded in a day, where this node holds a share of the key",
		func(c *Config) *int { return &c.BlindingDaily }, 1000, 1_000_000_000),
}

func listOf(name, def, zh, en string, field func(*Config) *[]string) Key {
	return Key{name, def, exchange.Text{Zh: zh, En: en},
		func(c *Config, v string) error {
			*field(c) = nil
			for _, part := range strings.Split(v, ",") {
				if part = strings.TrimSpace(part); part != "" {
					*field(c) = append(*field(c), part)
				}
			}
			return nil
		},
		func(c *Config) string { return strings.Join(*field(c), ",") }}
}

// Keys lists every scalar setting.
func Keys() []Key { return append([]Key(nil), keyTable...) }

func contains(list []string, v string) bool {
	for _, s := range list {
		if s == v {
			return true
		}
	}
	return false
}

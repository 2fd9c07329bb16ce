package procfs

// The two ways in which Unread finds it.
var (
	AskUnread    = askUnread
	ListedUnread = listedUnread
)

package procfs

// ListedUnread is Unread where QuickUnread knows nothing.
var ListedUnread = listedUnread

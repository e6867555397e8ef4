package mapreduce

// Table is the result of a job that becomes keys of a bucket or messages of a stream.
type Table struct {
	Job    JobID
	UID    UID
	Target Target
	Count  int64 // of rows
	// Rows hands over all rows, in the order of the result, the same each time. Key and value are good until yield returns.
	Rows func(yield func(key, value []byte) error) error
}

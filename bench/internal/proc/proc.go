// Package proc reads what Linux tells about a process: the memory that it holds
// and the processor time that it has used (proc(5)).
package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc: USER_HZ, which is 100 on every
// architecture that Go runs on.
const tick = time.Second / 100

// Memory is what a process holds, in bytes.
type Memory struct {
	// Resident is what is in memory now (VmRSS), the program's own pages
	// included.
	Resident int64
	// Peak is the most that ever was since the process began (VmHWM).
	Peak int64
}

// ReadMemory reads the memory of a process.
func ReadMemory(pid int) (Memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}, err
	}
	return parseStatus(string(text))
}

func parseStatus(text string) (m Memory, err error) {
	for key, to := range map[string]*int64{"VmRSS": &m.Resident, "VmHWM": &m.Peak} {
		kib, found := int64(0), false
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(line, ":"); ok && name == key {
				kib, err = strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
				found = err == nil
			}
		}
		if !found {
			return Memory{}, errors.New("proc: no " + key + " in a process's status")
		}
		*to = kib << 10
	}
	return m, nil
}

// ReadTime reads how much processor time all threads of a process have used, in
// steps of 10 ms.
func ReadTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

func parseStat(text string) (time.Duration, error) {
	// The second field is the program's name, in parentheses and with anything
	// in it; utime and stime are the 14th and 15th.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("proc: a process's stat is too short")
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, errors.New("proc: a process's times are no numbers")
		}
		sum += time.Duration(ticks) * tick
	}
	return sum, nil
}

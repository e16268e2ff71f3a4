// Latency puts regions apart that are namespaces of one machine: the kernel has no netem everywhere, so packets between two
// regions go through a TUN device of each, and wait in between for half of the regions' round trip.
//
// Its only argument is a JSON file: {"regions": [{"namespace": path, "networks": [CIDR, …]}], "milliseconds": [[…], …]},
// the round trips by the regions' places in the list. The routes into the devices are the caller's.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Device is the name of the TUN device in each namespace.
const device = "distance0"

type region struct {
	Namespace string         `json:"namespace"`
	Networks  []netip.Prefix `json:"networks"`
}

type configuration struct {
	Regions      []region    `json:"regions"`
	Milliseconds [][]float64 `json:"milliseconds"`
}

type packet struct {
	due  time.Time
	data []byte
}

// open makes the device in a namespace. Threads that were in another namespace are not used again.
func open(namespace string) (int, error) {
	type result struct {
		file int
		err  error
	}
	results := make(chan result)
	go func() {
		runtime.LockOSThread()
		file, err := openHere(namespace)
		results <- result{file, err}
	}()
	got := <-results
	return got.file, got.err
}

func openHere(namespace string) (int, error) {
	target, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(target)
	if err := unix.Setns(target, unix.CLONE_NEWNET); err != nil {
		return 0, err
	}
	file, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	request, err := unix.NewIfreq(device)
	if err != nil {
		return 0, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	return file, unix.IoctlIfreq(file, unix.TUNSETIFF, request)
}

// deliver hands packets over when their time has come, in order. A full queue is a lost packet, as on any long cable.
func deliver(queue <-chan packet, to int) {
	for next := range queue {
		time.Sleep(time.Until(next.due))
		// A region that is gone takes nothing.
		_, _ = unix.Write(to, next.data)
	}
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var config configuration
	if err := json.Unmarshal(text, &config); err != nil {
		log.Fatal(err)
	}
	files := make([]int, len(config.Regions))
	for index, region := range config.Regions {
		if files[index], err = open(region.Namespace); err != nil {
			log.Fatalf("%s in %s: %v", device, region.Namespace, err)
		}
	}
	for from := range config.Regions {
		go carry(from, files, config)
	}
	fmt.Println("carrying packets")
	select {}
}

// carry reads what one region sends to the others.
func carry(from int, files []int, config configuration) {
	queues := make([]chan packet, len(files))
	for to := range files {
		queues[to] = make(chan packet, 16384)
		go deliver(queues[to], files[to])
	}
	buffer := make([]byte, 65536)
	for {
		count, err := unix.Read(files[from], buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			log.Printf("%s is gone: %v", config.Regions[from].Namespace, err)
			return
		}
		if count < 20 || buffer[0]>>4 != 4 {
			continue
		}
		target := netip.AddrFrom4([4]byte(buffer[16:20]))
		for to, region := range config.Regions {
			if to == from || !contains(region.Networks, target) {
				continue
			}
			wait := time.Duration(config.Milliseconds[from][to] / 2 * float64(time.Millisecond))
			select {
			case queues[to] <- packet{time.Now().Add(wait), append([]byte(nil), buffer[:count]...)}:
			default:
			}
		}
	}
}

func contains(networks []netip.Prefix, address netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}
